; SPDX-License-Identifier: GPL-3.0-or-later
;
; What the tests ask GIMP, in the words of both versions. gimp2.scm or gimp3.scm is loaded before.

(define results (open-output-file results-path))

(define (say key value)
  (write (list key value) results)
  (newline results))

; GIMP's message of the last error.
(define last-error "")
(define (*error-hook* . x)
  (set! last-error (car x))
  (if (more-handlers?) (apply (pop-handler)) (apply error x)))

; Runs (thunk), and says under the key whether it failed: the message, or "".
(define (try key thunk)
  (let ((outer last-error))
    (set! last-error "")
    (catch #f (thunk))
    (say key last-error)
    (set! last-error outer)))

; The items that a procedure returned: the last value is their vector.
(define (ids result)
  (vector->list (car (reverse result))))

(define (first-layer image)
  (car (ids (gimp-image-get-layers image))))

; What scaling must leave alone.
(define (layer-attributes layer)
  (append
   (list (car (gimp-layer-get-opacity layer)) (car (gimp-layer-get-mode layer))
         (car (gimp-layer-get-composite-mode layer)) (car (gimp-item-get-visible layer))
         (car (gimp-item-get-color-tag layer)) (car (gimp-item-get-tattoo layer))
         (car (gimp-item-get-lock-content layer)) (car (gimp-item-get-lock-position layer))
         (car (gimp-layer-get-lock-alpha layer))
         (caddr (car (gimp-item-get-parasite layer "note"))))
   (mask-attributes layer)
   (more-attributes layer)))

; Whether the mask is applied, edited, shown.
(define (mask-attributes layer)
  (if (= (car (gimp-layer-get-mask layer)) -1)
      '()
      (list (car (gimp-layer-get-apply-mask layer)) (car (gimp-layer-get-edit-mask layer))
            (car (gimp-layer-get-show-mask layer)))))

; What a layer is, and what is in it if it is a group.
(define (layer-facts layer)
  (let ((mask (car (gimp-layer-get-mask layer))))
    (list (car (gimp-item-get-name layer))
          (drawable-width layer) (drawable-height layer)
          (drawable-offsets layer)
          (if (= mask -1) 'no-mask (list (drawable-width mask) (drawable-height mask)))
          (car (gimp-item-get-lock-content layer))
          (car (gimp-item-get-visible layer))
          (if (= (car (gimp-item-is-group layer)) TRUE)
              (map layer-facts (ids (gimp-item-get-children layer)))
              'pixels))))

(define (guide-facts image)
  (let loop ((guide (car (gimp-image-find-next-guide image 0))) (found '()))
    (if (= guide 0)
        (reverse found)
        (loop (car (gimp-image-find-next-guide image guide))
              (cons (list (car (gimp-image-get-guide-orientation image guide))
                          (car (gimp-image-get-guide-position image guide)))
                    found)))))

(define (channel-facts channel)
  (list (car (gimp-item-get-name channel)) (drawable-width channel) (drawable-height channel)))

(define (image-facts image)
  (list (list 'size (image-width image) (image-height image))
        (list 'base (image-base-type image))
        (list 'precision (car (gimp-image-get-precision image)))
        (list 'resolution (gimp-image-get-resolution image))
        (list 'layers (map layer-facts (ids (gimp-image-get-layers image))))
        (list 'channels (map channel-facts (ids (gimp-image-get-channels image))))
        (list 'guides (guide-facts image))
        (list 'paths (path-facts image))
        (list 'selection (gimp-selection-bounds image))))

; Writes one layer (or mask) by itself, as it is stored, without the mask it wears.
(define (save-drawable image drawable path)
  (let* ((single (new-image (drawable-width drawable) (drawable-height drawable)
                            (image-base-type image) (car (gimp-image-get-precision image))))
         (layer (car (gimp-layer-new-from-drawable drawable single))))
    (gimp-image-insert-layer single layer 0 0)
    (gimp-layer-set-offsets layer 0 0)
    (gimp-item-set-visible layer TRUE)
    (if (not (= (car (gimp-layer-get-mask layer)) -1))
        (gimp-layer-remove-mask layer MASK-DISCARD))
    (tiff-save single path)
    (gimp-image-delete single)))

; Three layers of different sizes, one with alpha, a mask and an offset, one in a group with an offset;
; a channel, guides, a path, a selection, a resolution. pictures: their pixels, three files.
(define (layered-image pictures)
  (let* ((image (file-load (car pictures)))
         (masked (car (gimp-file-load-layer RUN-NONINTERACTIVE image (cadr pictures))))
         (group (new-group image "group"))
         (grouped (car (gimp-file-load-layer RUN-NONINTERACTIVE image (caddr pictures))))
         (channel (new-channel image "channel")))
    (gimp-item-set-name (first-layer image) "base")
    (gimp-item-set-name masked "masked")
    (gimp-item-set-name grouped "grouped")
    (gimp-image-insert-layer image masked 0 0)
    (gimp-layer-set-offsets masked -3 5)
    (let ((mask (car (gimp-layer-create-mask masked ADD-MASK-WHITE))))
      (gimp-layer-add-mask masked mask)
      (gimp-image-select-rectangle image CHANNEL-OP-REPLACE 0 0 8 12)
      (gimp-context-set-foreground '(0 0 0))
      (gimp-drawable-edit-fill mask FILL-FOREGROUND))
    (gimp-image-insert-layer image group 0 0)
    (gimp-image-insert-layer image grouped group 0)
    (gimp-layer-set-offsets grouped 11 7)
    (gimp-image-insert-channel image channel 0 0)
    (gimp-image-add-hguide image 7)
    (gimp-image-add-vguide image 13)
    (new-path image "path" (vector 2 3 2 3 2 3 20 11 20 11 20 11))
    (gimp-image-set-resolution image 300 150)
    (gimp-image-select-rectangle image CHANNEL-OP-REPLACE 4 6 9 5)
    image))

; The layer of that name, wherever it is.
(define (layer-named image name)
  (let search ((layers (ids (gimp-image-get-layers image))))
    (cond ((null? layers) #f)
          ((string=? (car (gimp-item-get-name (car layers))) name) (car layers))
          ((= (car (gimp-item-is-group (car layers))) TRUE)
           (search (append (ids (gimp-item-get-children (car layers))) (cdr layers))))
          (else (search (cdr layers))))))

; Puts a layer of the pixels of a file into an image: in the group, 0 for none, at the place.
(define (add-layer image path name group x y)
  (let ((layer (car (gimp-file-load-layer RUN-NONINTERACTIVE image path))))
    (gimp-item-set-name layer name)
    (gimp-image-insert-layer image layer group 0)
    (gimp-layer-set-offsets layer x y)
    layer))

; A mask whose left part is black.
(define (add-mask image layer)
  (let ((mask (car (gimp-layer-create-mask layer ADD-MASK-WHITE))))
    (gimp-layer-add-mask layer mask)
    (gimp-image-select-rectangle image CHANNEL-OP-REPLACE 0 0 8 12)
    (gimp-context-set-foreground '(0 0 0))
    (gimp-drawable-edit-fill mask FILL-FOREGROUND)
    (gimp-selection-none image)
    mask))
